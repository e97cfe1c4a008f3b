import React, { useEffect, useState } from 'react';

interface ProfileProps {
  userId: string;
  compact?: boolean;
}

/** Loads a user once for each identifier. */
function useUser(userId: string): User | null {
  const [user, setUser] = useState<User | null>(null);
  useEffect(() => {
    let stale = false;
    loadUser(userId).then((loaded) => {
      if (!stale) setUser(loaded);
    });
    return () => {
      stale = true;
    };
  }, [userId]);
  return user;
}

export const Avatar: React.FC<{ url: string }> = ({ url }) => (
  <img className="avatar" src={url} alt="" width={48} height={48} />
);

export const Profile = React.memo(function Profile({ userId, compact }: ProfileProps) {
  const user = useUser(userId);
  if (!user) {
    return <p>Loading</p>;
  }
  return (
    <section className={compact ? 'profile compact' : 'profile'}>
      <Avatar url={user.picture} />
      <h2>{user.name}</h2>
      {!compact && <Badges items={user.badges} />}
    </section>
  );
});

class Boundary extends React.Component<{ children: React.ReactNode }, { failed: boolean }> {
  state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  render() {
    if (this.state.failed) {
      return <p>Something went wrong.</p>;
    }
    return this.props.children;
  }
}

export default Boundary;
